// What the compute service does, one method per use case, without HTTP.
namespace prism::service {}
