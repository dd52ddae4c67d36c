// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A target needs a source file: this one checks the header's layout with the host's compiler. */
#include "attribution_events.h"
