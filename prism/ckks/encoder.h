// prism/ckks/encoder.h - the Encoder stands beside Plaintext.
#pragma once
#include "prism/ckks/plaintext.h"
