// The REST interface: HTTP requests onto the use cases of service.
namespace prism::server::rest {}
