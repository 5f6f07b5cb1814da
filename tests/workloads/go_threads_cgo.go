// SPDX-License-Identifier: GPL-2.0-only
//
// go_threads_cgo.go - makes go_threads.go a program whose threads pthread_create makes.
package main

import "C"
