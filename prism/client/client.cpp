// The C++ client of the compute service.
namespace prism::client {}
