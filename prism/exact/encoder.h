// prism/exact/encoder.h - the Encoder stands beside Plaintext.
#pragma once
#include "prism/exact/plaintext.h"
