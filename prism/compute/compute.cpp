// Requests for encrypted computations as people and programs write them (JSON), and what a server answers before any key exists.
namespace prism::compute {}
