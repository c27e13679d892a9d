// prism/backend/dp/dp.h - SQL in, noisy answers with error bars out.
#pragma once

namespace prism::backend::dp {}
