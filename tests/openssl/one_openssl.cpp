// one_openssl PROGRAM: this process and PROGRAM map one libcrypto and one libssl, the ones we link, whatever else loads
// OpenSSL beside us. Two versions in one process crash or, worse, do not.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "prism/crypto/self_test.h"

namespace {

using Paths = std::set<std::string>;
int failures = 0;

void expect(bool good, const std::string& what) {
  std::printf("%s: %s\n", good ? "ok" : "FAILED", what.c_str());
  failures += !good;
}

/// The files named NAME among the words of a text, links followed.
Paths files_named(const std::string& name, std::istream& text) {
  Paths out;
  std::error_code none;
  for (std::string word; text >> word;)
    if (word.front() == '/' && word.find("/" + name) != std::string::npos)
      out.insert(std::filesystem::weakly_canonical(word, none).string());
  return out;
}
std::string list(const Paths& paths) {
  std::string out;
  for (const auto& path : paths) out += " " + path;
  return out.empty() ? " none" : out;
}
Paths mapped(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  return files_named(name, maps);
}
/// What the loader would map for a program.
Paths needed_by(const std::string& program, const std::string& name) {
  std::stringstream text;
  FILE* const pipe = ::popen(("LD_TRACE_LOADED_OBJECTS=1 '" + program + "'").c_str(), "r");
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) text << buffer;
  if (pipe != nullptr) ::pclose(pipe);
  return files_named(name, text);
}

}  // namespace

int main(int argc, char** argv) {
  // "OpenSSL 3.5.7 9 Jun 2026": the second word, as others print it, too.
  std::istringstream version_text{std::string(prism::crypto::library_version())};
  std::string version;
  version_text >> version >> version;
  expect(std::stod(version) >= 3.5, "OpenSSL " + version + " is 3.5 or later");
  expect(prism::crypto::self_test().has_value(), "it computes what the standards say");
  const Paths ours = mapped("libcrypto.so");
  expect(ours.size() == 1, "one libcrypto:" + list(ours));

  int skipped = 0;
  for (const char* library : {"libcurl.so.4", "libpq.so.5"}) {
    void* const handle = ::dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (handle == nullptr) {
      ++skipped;
      std::printf("skipped: %s is not here\n", library);
      continue;
    }
    expect(mapped("libcrypto.so") == ours, std::string("still one libcrypto beside ") + library);
    const Paths ssl = mapped("libssl.so");
    expect(ssl.size() == 1, std::string("one libssl beside ") + library + ":" + list(ssl));
    if (!ssl.empty())
      expect(std::filesystem::path(*ssl.begin()).parent_path() == std::filesystem::path(*ours.begin()).parent_path(),
             "and it stands beside our libcrypto");
    if (const auto says = reinterpret_cast<const char* (*)()>(::dlsym(handle, "curl_version")))
      expect(std::string(says()).find("OpenSSL/" + version) != std::string::npos, std::string("curl says ") + says());
  }
  for (int i = 1; i < argc; ++i) {
    expect(needed_by(argv[i], "libcrypto.so") == ours, std::string(argv[i]) + " takes the same libcrypto");
    expect(needed_by(argv[i], "libssl.so").size() <= 1, std::string(argv[i]) + " takes at most one libssl");
  }
  if (skipped > 0) std::printf("%d of 2 libraries skipped\n", skipped);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
