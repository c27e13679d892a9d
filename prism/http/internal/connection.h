// prism/http/internal/connection.h - the server's side of one connection: requests in, responses out, until it ends.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "prism/http/internal/chunked.h"
#include "prism/http/internal/head.h"
#include "prism/http/internal/shared.h"
#include "prism/http/internal/transport.h"

namespace prism::http::internal {

/// Lives on one I/O thread. While a worker runs its handler, the coroutine is suspended and the worker alone uses the
/// body and the writer; both go back to the I/O thread for every wait on the network.
class Connection {
 public:
  Connection(Shared& shared, std::unique_ptr<Transport> transport, Executor executor, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Task<void> run();
  /// On its thread: ends it now when no request is under way, else after the response.
  void drain();
  /// On its thread: ends it now.
  void abort();

 private:
  class Reader;
  class Writer;

  // GCC 12 destroys some temporaries of a co_await expression twice: coroutines here take their arguments by reference,
  // and each co_await stands in a statement of its own.
  Task<bool> read_head();
  Task<bool> serve();
  Task<void> respond(const Route& route, std::optional<Response>& response);
  Response call(Request& request);
  Task<bool> send(Response& response);
  Task<bool> send_stream(const StreamedBody& body, bool chunked);
  Task<Io> send_bytes(ByteView bytes);
  Task<void> refuse(int status, std::string_view why);
  /// Runs `work` on a worker and comes back; false when all are busy.
  Task<bool> on_worker(const std::function<void()>& work);

  /// The body of the request: from what was read along with the head, then from the network.
  bool body_complete() const;
  Result<std::size_t> take_buffered(MutableByteView out);
  Task<std::optional<Error>> fill(MutableByteView out, std::size_t& bytes);
  /// The body's first bytes: all of it, or `most` of them.
  Task<std::optional<Error>> buffer_body(std::uint64_t most);
  Task<void> discard_rest();
  std::string make_id();
  void write_head(const Response& response, std::optional<std::uint64_t> length, bool chunked);

  Shared& shared_;
  std::unique_ptr<Transport> transport_;
  Executor executor_;
  Peer peer_;
  std::string limit_key_;
  std::vector<std::uint8_t> input_;  ///< what came and was not used: [begin_, end_)
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string head_text_;
  RequestHead head_;
  Request request_;
  std::string id_;

  ChunkDecoder chunks_;
  std::uint64_t body_left_ = 0;  ///< of a sized body
  std::uint64_t body_received_ = 0;
  std::uint64_t max_body_ = 0;
  Milliseconds body_waited_{0};  ///< for the network alone, so that slow handlers do not count against the peer
  bool continue_due_ = false;    ///< the peer waits for `100 Continue`
  bool body_failed_ = false;
  Bytes buffered_body_;  ///< a small request's, or the start of a chunked one's

  std::string output_;
  std::uint64_t sent_ = 0;  ///< of the current response
  bool close_ = false;
  bool idle_ = true;
  bool broken_ = false;
};

}  // namespace prism::http::internal
