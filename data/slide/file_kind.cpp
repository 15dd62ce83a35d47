#include "data/slide/file_kind.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using std::string_view_literals::operator""sv;

/// Nothing of what is no file: a pipe would be waited for.
std::string first_bytes(const fs::path& path, size_t count) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string bytes(count, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

bool is_tiff(std::string_view head) {
  return head.starts_with("II*\0"sv) || head.starts_with("MM\0*"sv) ||
         head.starts_with("II+\0"sv) || head.starts_with("MM\0+"sv);
}

bool is_text(std::string_view head) {
  return std::none_of(head.begin(), head.end(), [](unsigned char c) {
    return c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f');
  });
}

bool is_all_zero(std::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) { return c == 0; });
}

constexpr std::string_view kXml =
    "XML (annotations of ImageScope and ASAP can be exported as GeoJSON by QuPath)";

constexpr std::pair<std::string_view, std::string_view> kKnownStarts[] = {
    {"version https://git-lfs"sv, "a Git LFS pointer (fetch the file with git lfs pull)"sv},
    {"<!DOCTYPE html"sv, "a web page (was the download refused?)"sv},
    {"<html"sv, "a web page (was the download refused?)"sv},
    {"\xFF\xFE"sv, "UTF-16 text (save it as UTF-8)"sv},
    {"\xFE\xFF"sv, "UTF-16 text (save it as UTF-8)"sv},
    {"<?xml"sv, kXml},
    {"<Annotations"sv, kXml},
    {"<ASAP_Annotations"sv, kXml},
    {"GIF8"sv, "a GIF image"sv},
    {"BM"sv, "a BMP image"sv},
    {"RIFF"sv, "a RIFF file, perhaps a WebP image"sv},
    {"\0\0\0\x0CjP  "sv, "a JPEG 2000 image"sv},
    {"\xFF\x4F\xFF\x51"sv, "a JPEG 2000 image"sv},
    {"PK\x03\x04"sv, "a zip archive (unpack it)"sv},
    {"\x1F\x8B"sv, "a gzip file"sv},
    {"\x89HDF"sv, "an HDF5 file"sv},
    {"%PDF"sv, "a PDF document"sv},
    {"II*\0"sv, "a TIFF"sv},
    {"MM\0*"sv, "a TIFF"sv},
    {"\x89PNG"sv, "a PNG image"sv},
    {"\xFF\xD8\xFF"sv, "a JPEG image"sv},
};

/// The unsigned integer of `bytes`, in the byte order that TIFF marks by 'I' (little) or 'M' (big).
uint64_t integer_of(std::string_view bytes, char mark) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t at = mark == 'I' ? bytes.size() - 1 - i : i;
    value = value << 8 | static_cast<unsigned char>(bytes[at]);
  }
  return value;
}

}  // namespace

FileKind file_kind(const fs::path& path) {
  const std::string head = first_bytes(path, 132);
  if (is_tiff(head)) return FileKind::kTiff;
  if (head.starts_with("\x89PNG\r\n\x1A\n")) return FileKind::kPng;
  if (head.starts_with("\xFF\xD8\xFF")) return FileKind::kJpeg;
  if (head.size() == 132 && head.substr(128) == "DICM") return FileKind::kDicom;
  return FileKind::kOther;
}

uint64_t file_bytes(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) {
    throw DataError(fmt::format("{} cannot be examined: {}", path.string(), error.message()));
  }
  return size;
}

bool is_address(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
  const size_t mark = text.find("://");
  return mark != std::string_view::npos && mark > 1 && text.find_first_not_of(kLetters) == mark;
}

std::string_view advice_for_missing(const fs::path& path) {
  if (is_address(path.string())) {
    return "it is an address, and files are read from this machine: copy it here and give its path";
  }
  if (path.filename().string().find('\\') != std::string::npos) {
    return "it is a path of Windows; give it as this system writes it, with /";
  }
  return "check the spelling and the folder that it is relative to";
}

void require_readable_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw DataError(fmt::format("{} does not exist: {}", path.string(), advice_for_missing(path)));
  }
  if (access(path.c_str(), R_OK) != 0) {
    throw DataError(fmt::format("{} cannot be read ({}): check its owner and permissions",
                                path.string(), std::strerror(errno)));
  }
  if (status.type() == fs::file_type::directory) {
    throw DataError(fmt::format("{} is a folder: give a file", path.string()));
  }
  if (status.type() != fs::file_type::regular) {
    throw DataError(
        fmt::format("{} is neither a file nor a folder: give a slide's file", path.string()));
  }
  if (fs::file_size(path, error) == 0 && !error) {
    throw DataError(fmt::format("{} is empty (0 bytes): copy or download it again", path.string()));
  }
}

std::string describe_content(const fs::path& path) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string head = first_bytes(path, 4096);
  if (head.starts_with(kByteOrderMark)) head.erase(0, kByteOrderMark.size());
  for (const auto& [start, name] : kKnownStarts) {
    if (head.starts_with(start)) return std::string(name);
  }
  if (is_text(head)) return "plain text";
  if (is_all_zero(head)) return "zeros only";
  return "data of an unknown kind";
}

void require_whole_tiff_header(const fs::path& path) {
  const std::string head = first_bytes(path, 16);
  const bool big = head.size() > 2 && (head[2] == '+' || head[3] == '+');
  const size_t needed = big ? 16 : 8;
  const uint64_t size = file_bytes(path);
  const uint64_t directory =
      head.size() < needed
          ? needed
          : integer_of(std::string_view(head).substr(big ? 8 : 4, big ? 8 : 4), head[0]);
  if (head.size() < needed || directory >= size) {
    throw DataError(fmt::format(
        "{} is cut short: its first directory is at byte {} but the file ends at {}; copy it again",
        path.string(), directory, size));
  }
}

}  // namespace untiled
