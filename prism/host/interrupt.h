// prism/host/interrupt.h - Ctrl-C that leaves nothing half-done behind.
#pragma once
#include "prism/base/result.h"

namespace prism::host {

/// From now on the first SIGINT, SIGTERM or SIGHUP sets a flag; the second removes every registered temporary file and
/// ends the process with exit status 130. Call once, at start.
void install_interrupt_handler();

/// Whether somebody asked us to stop. Long loops look at it between pieces.
bool interrupted();
/// ErrorCode::interrupted when interrupted(): PRISM_CHECKED(host::check_interrupted());
Status check_interrupted();
/// For tests, which go on afterwards.
void clear_interrupted();

namespace internal {
/// Remembers a temporary for the second signal. Returns a ticket for forget_temporary; -1 when the table is full, which
/// costs nothing but that clean-up.
int remember_temporary(const char* path);
void forget_temporary(int ticket);
}  // namespace internal

}  // namespace prism::host
