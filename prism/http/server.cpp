#include "prism/http/server.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <thread>
#include <unordered_set>

#include "prism/host/thread_pool.h"
#include "prism/http/internal/connection.h"

namespace prism::http {

namespace {

using namespace internal;

constexpr asio::use_awaitable_t<Executor> kAwait{};
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;

Peer peer_of(const tcp::endpoint& endpoint) {
  Peer peer;
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  peer.address = address.to_string();
  peer.port = endpoint.port();
  peer.loopback = address.is_loopback();
  return peer;
}

}  // namespace

struct Server::State {
  /// One thread with its connections. A connection never leaves it, so nothing in it needs a lock.
  struct Loop {
    asio::io_context context{1};
    asio::executor_work_guard<Executor> work{context.get_executor()};
    std::unordered_set<Connection*> connections;
    std::thread thread;
  };

  State(ServerOptions options, Handler& handler) : shared(std::move(options), handler) {}
  ~State() { stop(); }

  Status listen();
  Task<void> accept();
  Task<void> serve(Loop& loop, Socket socket, Peer peer);
  bool admit(const Peer& peer);
  void release(const Peer& peer);
  void for_each_connection(void (Connection::*action)());
  std::size_t drain(Milliseconds limit);
  void stop();

  Shared shared;
  std::vector<std::unique_ptr<Loop>> loops;
  std::unique_ptr<Acceptor> acceptor;  ///< on the first loop
  std::uint16_t port = 0;
  std::string address;
  std::size_t next = 0;
  bool drained = false;
  std::mutex closed_mutex;
  std::condition_variable closed;
};

Status Server::State::listen() {
  const ServerOptions& options = shared.options;
  const std::size_t threads =
      options.io_threads > 0 ? options.io_threads : std::min<std::size_t>(host::available_cores(), 4);
  for (std::size_t i = 0; i < threads; ++i) loops.push_back(std::make_unique<Loop>());
  asio::io_context& context = loops.front()->context;
  error_code ec;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(options.host, std::to_string(options.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, ec);
  if (ec || found.empty())
    return fail(ErrorCode::network, "the address \"", options.host, "\" to listen on is not known: ", ec.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  if (!options.tls && !endpoint.address().is_loopback())
    return fail(ErrorCode::refused, "plain HTTP is for this machine alone, and ", endpoint.address().to_string(),
                " is not a loopback address; use TLS, or 127.0.0.1");
  acceptor = std::make_unique<Acceptor>(context.get_executor());
  acceptor->open(endpoint.protocol(), ec);
  if (!ec) acceptor->set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec && endpoint.address().is_v6() && endpoint.address().is_unspecified())
    acceptor->set_option(asio::ip::v6_only(false), ec);
  if (!ec) acceptor->bind(endpoint, ec);
  if (!ec) acceptor->listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return fail(ErrorCode::network, "cannot listen on ", options.host, " port ", options.port, ": ", ec.message());
  port = acceptor->local_endpoint().port();
  address = endpoint.address().to_string();
  asio::co_spawn(context.get_executor(), accept(), asio::detached);
  for (const auto& loop : loops) loop->thread = std::thread([&context_ = loop->context] { context_.run(); });
  return {};
}

bool Server::State::admit(const Peer& peer) {
  const Limits& limits = shared.options.limits;
  if (shared.open >= limits.max_connections) {
    if (shared.options.observer.refused) shared.options.observer.refused("connection-limit", peer);
    return false;
  }
  const std::lock_guard lock(shared.peers_mutex);
  std::size_t& count = shared.connections_of[limit_key(peer)];
  if (count >= limits.max_connections_per_peer) {
    if (shared.options.observer.refused) shared.options.observer.refused("peer-limit", peer);
    return false;
  }
  ++count;
  ++shared.open;
  ++shared.total;
  return true;
}

void Server::State::release(const Peer& peer) {
  {
    const std::lock_guard lock(shared.peers_mutex);
    const auto entry = shared.connections_of.find(limit_key(peer));
    if (--entry->second == 0) shared.connections_of.erase(entry);
  }
  {
    const std::lock_guard lock(closed_mutex);
    --shared.open;
  }
  closed.notify_all();
}

Task<void> Server::State::accept() {
  for (;;) {
    Loop& loop = *loops[next++ % loops.size()];
    Socket socket(loop.context.get_executor());
    tcp::endpoint from;
    error_code ec;
    co_await acceptor->async_accept(socket, from, asio::redirect_error(kAwait, ec));
    if (!acceptor->is_open()) co_return;
    if (ec) {
      // No descriptors, most likely: give connections time to end rather than spin.
      asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>
          pause(acceptor->get_executor(), Milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(kAwait, ec));
      continue;
    }
    Peer peer = peer_of(from);
    try {
      if (!admit(peer)) continue;
    } catch (const std::bad_alloc&) {
      continue;
    }
    try {
      asio::co_spawn(loop.context.get_executor(), serve(loop, std::move(socket), peer), asio::detached);
    } catch (const std::bad_alloc&) {
      release(peer);
    }
  }
}

Task<void> Server::State::serve(Loop& loop, Socket socket, Peer peer) {
  error_code ignored;
  // Answers are whole when they leave; waiting for more (Nagle) would only add the peer's delayed acknowledgement.
  socket.set_option(tcp::no_delay(true), ignored);
  try {
    std::optional<crypto::TlsContext> tls;
    {
      const std::lock_guard lock(shared.tls_mutex);
      tls = shared.tls;
    }
    TcpStream stream(std::move(socket));
    auto transport = tls ? tls_transport(std::move(stream), *tls, true) : plain_transport(std::move(stream));
    if (transport) {
      Connection connection(shared, std::move(transport), loop.context.get_executor(), peer);
      loop.connections.insert(&connection);
      if (shared.draining) connection.drain();
      try {
        co_await connection.run();
      } catch (const std::exception& error) {
        if (shared.options.observer.failed) shared.options.observer.failed("connection", "", error.what());
      }
      loop.connections.erase(&connection);
    }
  } catch (const std::exception& error) {
    if (shared.options.observer.failed) shared.options.observer.failed("connection", "", error.what());
  }
  release(peer);
}

void Server::State::for_each_connection(void (Connection::*action)()) {
  for (const auto& loop : loops)
    asio::post(loop->context, [&loop = *loop, action] {
      for (Connection* const connection : loop.connections) (connection->*action)();
    });
}

std::size_t Server::State::drain(Milliseconds limit) {
  if (std::exchange(drained, true) || loops.empty()) return 0;
  shared.draining = true;
  if (acceptor)
    asio::post(acceptor->get_executor(), [this] {
      error_code ignored;
      acceptor->close(ignored);
    });
  for_each_connection(&Connection::drain);
  std::unique_lock lock(closed_mutex);
  closed.wait_for(lock, limit, [this] { return shared.open == 0; });
  const std::size_t cut = static_cast<std::size_t>(shared.open.load());
  lock.unlock();
  if (cut > 0) for_each_connection(&Connection::abort);
  return cut;
}

void Server::State::stop() {
  if (loops.empty()) return;
  drain(Milliseconds(0));
  // Handlers may wait for the network, so the loops go on until the workers are done.
  {
    std::unique_lock lock(closed_mutex);
    while (!closed.wait_for(lock, Milliseconds(100), [this] { return shared.open == 0; })) {
      lock.unlock();
      for_each_connection(&Connection::abort);  // whoever was accepted a moment before
      lock.lock();
    }
  }
  shared.workers.reset();
  for (const auto& loop : loops) {
    loop->work.reset();
    loop->context.stop();
  }
  for (const auto& loop : loops)
    if (loop->thread.joinable()) loop->thread.join();
  // What was on its way, the end of accept() above all, comes to its end while everything it uses is there.
  for (const auto& loop : loops) {
    loop->context.restart();
    loop->context.poll();
  }
  acceptor.reset();
  loops.clear();
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler& handler) {
  if (options.workers == 0) options.workers = 64;
  try {
    auto state = std::make_unique<State>(std::move(options), handler);
    if (auto listening = state->listen(); !listening) {
      state->acceptor.reset();
      state->loops.clear();
      return std::move(listening).error();
    }
    return std::unique_ptr<Server>(new Server(std::move(state)));
  } catch (const std::exception& error) {
    return fail(ErrorCode::exhausted, "the server cannot start: ", error.what());
  }
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

std::uint16_t Server::port() const { return state_->port; }
const std::string& Server::address() const { return state_->address; }

void Server::replace_tls(crypto::TlsContext tls) {
  const std::lock_guard lock(state_->shared.tls_mutex);
  check(state_->shared.tls.has_value(), "replace_tls on a server without TLS");
  state_->shared.tls = std::move(tls);
}

std::size_t Server::drain(std::chrono::milliseconds limit) { return state_->drain(limit); }

ServerCounters Server::counters() const {
  const auto& shared = state_->shared;
  return {shared.open, shared.total, shared.active, shared.handshakes, shared.bytes_copied};
}

}  // namespace prism::http
