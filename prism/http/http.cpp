// HTTP/1.1 over TLS 1.3 behind a thin interface: a server that calls handlers, and a client.
namespace prism::http {}
