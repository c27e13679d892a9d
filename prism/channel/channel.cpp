// The post-quantum channel as pure state machines: handshake, records, receipts.
namespace prism::channel {}
