#include "prism/server/rest/handler.h"
