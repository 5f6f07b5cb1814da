/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tests.h - the tables of live tests, one a file; each ends with an entry without a name.
 */
#ifndef TW_LIVE_TESTS_H
#define TW_LIVE_TESTS_H

#include "harness.h"

extern const struct live_test lifecycle_tests[];
extern const struct live_test churn_tests[];
extern const struct live_test names_tests[];
extern const struct live_test span_tests[];
extern const struct live_test snapshot_tests[];
extern const struct live_test fold_tests[];
extern const struct live_test option_tests[];
extern const struct live_test error_tests[];
extern const struct live_test export_tests[];
extern const struct live_test text_tests[];
extern const struct live_test crash_tests[];
extern const struct live_test program_tests[];
extern const struct live_test origin_tests[];
extern const struct live_test call_site_tests[];
extern const struct live_test golden_tests[];
extern const struct live_test everywhere_tests[];
extern const struct live_test cgroup_tests[];
extern const struct live_test discovery_tests[];

#endif
