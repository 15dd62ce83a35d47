#include "lib/core/resources.h"

#include <unistd.h>

#include <cstring>
#include <vector>

#include "lib/core/atomic_file.h"
#include "lib/core/cgroup.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;

TEST_CASE("cores and memory are at least 1 and at most the host's") {
  CHECK(usable_cores() >= 1);
  CHECK(usable_cores() <= sysconf(_SC_NPROCESSORS_CONF));
  CHECK(usable_memory_bytes() > int64_t{64} << 20);
  CHECK(usable_memory_bytes() <= sysconf(_SC_PHYS_PAGES) * int64_t{sysconf(_SC_PAGESIZE)});
}

TEST_CASE("resident memory rises with what is touched and the peak keeps it") {
  constexpr size_t kBytes = size_t{96} << 20;
  const int64_t before = resident_bytes();
  REQUIRE(before > 0);
  {
    std::vector<char> touched(kBytes, 1);
    CHECK(touched[kBytes / 2] == 1);
    CHECK(resident_bytes() - before > int64_t{80} << 20);
  }
  CHECK(peak_resident_bytes() - before > int64_t{80} << 20);
}

TEST_CASE("the tightest limit of nested version 2 groups counts") {
  const TemporaryFolder root;
  write_file(root / "proc/self/cgroup", "0::/job/step\n");
  write_file(root / "proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  write_file(root / "sys/fs/cgroup/job/cpu.max", "150000 100000\n");
  write_file(root / "sys/fs/cgroup/job/memory.max", "max\n");
  write_file(root / "sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
  write_file(root / "sys/fs/cgroup/job/step/memory.max", "1073741824\n");
  const CgroupLimits limits = read_cgroup_limits(root.path());
  CHECK(limits.cores.value() == 1.5);
  CHECK(limits.memory_bytes.value() == 1073741824);
}

TEST_CASE("a container that sees its own version 2 group as the root is limited by it") {
  const TemporaryFolder root;
  write_file(root / "proc/self/cgroup", "0::/docker/1234\n");
  write_file(root / "proc/self/mountinfo",
             "30 23 0:26 /docker/1234 /sys/fs/cgroup ro - cgroup2 cgroup ro\n");
  write_file(root / "sys/fs/cgroup/memory.max", "536870912\n");
  CHECK(read_cgroup_limits(root.path()).memory_bytes.value() == 536870912);
}

TEST_CASE("version 1 groups limit too, and their huge numbers mean no limit") {
  const TemporaryFolder root;
  write_file(root / "proc/self/cgroup", "4:memory:/a/b\n3:cpu,cpuacct:/a\n");
  write_file(root / "proc/self/mountinfo",
             "31 23 0:27 / /cg/memory rw shared:1 - cgroup cgroup rw,memory\n"
             "32 23 0:28 / /cg/cpu rw shared:2 - cgroup cgroup rw,cpu,cpuacct\n");
  write_file(root / "cg/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  write_file(root / "cg/memory/a/memory.limit_in_bytes", "2147483648\n");
  write_file(root / "cg/cpu/a/cpu.cfs_quota_us", "300000\n");
  write_file(root / "cg/cpu/a/cpu.cfs_period_us", "100000\n");
  write_file(root / "cg/cpu/cpu.cfs_quota_us", "-1\n");
  write_file(root / "cg/cpu/cpu.cfs_period_us", "100000\n");
  const CgroupLimits limits = read_cgroup_limits(root.path());
  CHECK(limits.cores.value() == 3.0);
  CHECK(limits.memory_bytes.value() == 2147483648);
}

TEST_CASE("where no group exists nothing is limited") {
  const TemporaryFolder root;
  CHECK_FALSE(read_cgroup_limits(root.path()).cores.has_value());
  CHECK_FALSE(read_cgroup_limits(root.path()).memory_bytes.has_value());
}
