#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "prism/sealed/manifest.h"
#include "prism/sealed/reader.h"
#include "prism/wire/artefact.h"

namespace {

/// A file that starts with these bytes; zeros stand for the blocks it claims, as far as they are few, so that what
/// follows them is read, too.
void open_as_file(prism::ByteView bytes) {
  const int descriptor = memfd_create("sealed", MFD_CLOEXEC);
  prism::check(descriptor >= 0 && write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
               "no memory file");
  std::uint64_t claimed = bytes.size();
  if (const auto head = prism::wire::peek_header(bytes); head) claimed = head->body_bytes + prism::wire::kHeaderBytes;
  if (claimed > bytes.size() && claimed < (64u << 20))
    prism::check(ftruncate(descriptor, static_cast<off_t>(claimed)) == 0, "no longer memory file");
  const auto table = prism::sealed::SealedTable::open("/proc/self/fd/" + std::to_string(descriptor));
  if (table) (void)table->verify();
  close(descriptor);
}

}  // namespace

// The first byte chooses the parser; whatever parses has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const prism::ByteView rest(data + 1, size - 1);
  prism::Bytes again;
  if (data[0] % 4 == 0) {
    const auto header = prism::sealed::decode_header(rest);
    if (!header) return 0;
    again = prism::sealed::encode(*header);
  } else if (data[0] % 4 == 1) {
    const auto manifest = prism::sealed::decode_manifest(rest);
    if (!manifest) return 0;
    again = prism::sealed::encode(*manifest);
  } else if (data[0] % 4 == 3) {
    open_as_file(rest);
    return 0;
  } else {
    const auto dictionary = prism::sealed::decode_dictionary(rest);
    if (!dictionary) return 0;
    again = prism::sealed::encode_dictionary(*dictionary);
  }
  prism::check(again.size() == rest.size() && std::equal(again.begin(), again.end(), rest.begin()),
               "two encodings of one value");
  return 0;
}
