// What strangers and disks hand to this room: requests as JSON and CBOR, announcements, job files. The first byte
// chooses the reader. Nothing stops the process, and what reads back is written the same.
#include <cstddef>
#include <cstdint>

#include "prism/base/check.h"
#include "prism/service/announcement.h"
#include "prism/service/computing.h"
#include "prism/service/job_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace prism;
  using namespace prism::service;
  if (size == 0) return 0;
  static const Limits limits;
  const ByteView bytes(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      (void)parse_compute_json(bytes, limits);
      break;
    case 1:
      (void)parse_compute_cbor(bytes, limits);
      break;
    case 2:
      (void)parse_announcement(bytes);
      break;
    case 3:
      if (const auto job = decode_job(bytes, limits)) {
        const Bytes again = encode_job(job->request, job->created);
        check(Bytes(bytes.begin(), bytes.end()) == again, "a job file has two forms");
      }
      break;
    default:
      if (const auto end = decode_job_end(bytes, limits)) {
        check(decode_job_end(encode_job_end(*end), limits).has_value(), "the end of a job does not read back");
      }
  }
  return 0;
}
