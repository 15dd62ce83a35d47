#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "data/slide/fingerprint.h"
#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

void set_time_of(const std::filesystem::path& file, const std::filesystem::path& other) {
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(other));
}

}  // namespace

TEST_CASE("another file at a path is told from the one that was there, moved ones are the same") {
  const TemporaryFolder folder;
  const auto slide = folder / "a.svs";
  write_file(slide, std::string(200'000, 'a'));
  const FileIdentity identity({slide});
  CHECK_NOTHROW(identity.require_unchanged());

  std::filesystem::copy_file(slide, folder / "copy");
  set_time_of(folder / "copy", slide);
  std::filesystem::rename(slide, folder / "old");
  CHECK_THROWS_AS(identity.require_unchanged(), DataError);
  std::filesystem::rename(folder / "copy", slide);
  CHECK_NOTHROW(identity.require_unchanged());

  write_file(folder / "other", std::string(200'000, 'b'));
  set_time_of(folder / "other", folder / "old");
  std::filesystem::rename(folder / "other", slide);
  CHECK_THROWS_WITH(identity.require_unchanged(), contains_text("a.svs was changed"));
}

TEST_CASE("a file that grew or was written again in its place is another one") {
  const TemporaryFolder folder;
  const auto mask = folder / "m.png";
  write_text(mask, "label");
  const FileIdentity identity({mask});
  write_text(mask, "labels");
  CHECK_THROWS_WITH(identity.require_unchanged(), contains_text("m.png was changed"));
  std::filesystem::remove(mask);
  CHECK_THROWS_WITH(identity.require_unchanged(), contains_text("m.png"));
}

TEST_CASE("a folder is another one when a file in it was changed, added or taken away") {
  const TemporaryFolder folder;
  const auto store = folder / "s.zarr";
  std::filesystem::create_directories(store / "c");
  write_text(store / "zarr.json", "{}");
  write_text(store / "c" / "0", "chunk");
  const FileIdentity identity({store});
  CHECK_NOTHROW(identity.require_unchanged());

  write_text(store / "c" / "1", "more");
  CHECK_THROWS_WITH(identity.require_unchanged(), contains_text("s.zarr was changed"));
  std::filesystem::remove(store / "c" / "1");
  CHECK_NOTHROW(identity.require_unchanged());

  std::filesystem::copy_file(store / "c" / "0", folder / "kept");
  set_time_of(folder / "kept", store / "c" / "0");
  write_text(store / "c" / "0", "other chunk");
  CHECK_THROWS_WITH(identity.require_unchanged(), contains_text("s.zarr was changed"));
  std::filesystem::rename(folder / "kept", store / "c" / "0");
  CHECK_NOTHROW(identity.require_unchanged());
  std::filesystem::remove(store / "c" / "0");
  CHECK_THROWS_WITH(identity.require_unchanged(), contains_text("s.zarr was changed"));
}
