// prism/duck/database.h - an in-memory DuckDB that runs statements of ours and nothing else.
#pragma once

namespace prism::duck {}
