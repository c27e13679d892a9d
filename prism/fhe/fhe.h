// prism/fhe/fhe.h - all of the room: encrypted vectors of real (Approximate) and whole (Exact) numbers.
#pragma once
#include "prism/circuits/polynomial.h"
#include "prism/fhe/context.h"
#include "prism/fhe/key_holder.h"
#include "prism/fhe/vector.h"
