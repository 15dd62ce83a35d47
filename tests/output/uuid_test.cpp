#include "lib/output/uuid.h"

#include "tests/catch.h"

namespace untiled {

// From Python: uuid.uuid5(uuid.UUID("0b3c1d6e-52f0-4d8a-9c57-3f1e6a2b8d41"), name).
TEST_CASE("ids are those of RFC 9562's version 5") {
  CHECK(content_uuid("") == "9f8840e8-792e-5e2f-a428-1a99728c2c0b");
  CHECK(content_uuid("tissue") == "f2bffeff-788f-5a67-9196-b363ea9ae200");
  CHECK(content_uuid(std::string(200, 'x')) == "c3df27f8-376b-5142-9e85-0341efa0ae88");
}

}  // namespace untiled
