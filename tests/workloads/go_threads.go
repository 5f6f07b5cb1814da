// SPDX-License-Identifier: GPL-2.0-only
//
// go_threads.go - a Go program with a thread that Go's run-time system made for its goroutine.
//
// Says {"settled":true} once a goroutine has a thread of its own, which is not the main
// thread, and ends with its stdin.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
)

func keeper(up chan<- bool) {
	runtime.LockOSThread()
	up <- true
	select {}
}

func main() {
	up := make(chan bool)

	runtime.LockOSThread()
	go keeper(up)
	<-up
	fmt.Println(`{"settled":true}`)
	io.Copy(io.Discard, os.Stdin)
}
