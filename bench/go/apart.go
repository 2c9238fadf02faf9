package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// pin binds the calling thread, which it locks the goroutine to, to the nth allowed processor.
func pin(nth int) {
	runtime.LockOSThread()
	var allowed, one [16]uint64
	size := unsafe.Sizeof(allowed)
	syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, size, uintptr(unsafe.Pointer(&allowed)))
	for cpu := 0; cpu < 1024; cpu++ {
		if allowed[cpu/64]>>(cpu%64)&1 == 1 {
			if nth == 0 {
				one[cpu/64] = 1 << (cpu % 64)
			}
			nth--
		}
	}
	if _, _, err := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, size, uintptr(unsafe.Pointer(&one))); err != 0 {
		panic(err)
	}
}

// Messages between two goroutines whose threads are pinned to a core each, neither of which ever parks.
func init() {
	timed("pingpong_apart", func(count int) {
		ping, pong := make(chan int, 1), make(chan int, 1)
		give := func(to chan int, value int) {
			for {
				select {
				case to <- value:
					return
				default:
				}
			}
		}
		take := func(from chan int) int {
			for {
				select {
				case value := <-from:
					return value
				default:
				}
			}
		}
		var seated atomic.Int32
		var wg sync.WaitGroup
		play := func(nth int, rally func()) {
			pin(nth)
			seated.Add(1)
			for seated.Load() < 2 {
			}
			for i := 0; i < count/2; i++ {
				rally()
			}
			wg.Done() // a locked goroutine that ends takes its pinned thread with it
		}
		wg.Add(2)
		go play(0, func() { give(ping, 1); take(pong) })
		go play(1, func() { give(pong, take(ping)) })
		wg.Wait()
	})
}
