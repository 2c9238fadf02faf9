package main

import (
	"runtime"
	"sync"
)

// Four goroutines a proc, so that each yield has another to switch to.
func init() {
	timed("yield", func(count int) {
		var wg sync.WaitGroup
		yielders := 4 * procs()
		for i := 0; i < yielders; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for j := 0; j < count/yielders; j++ {
					runtime.Gosched()
				}
			}()
		}
		wg.Wait()
	})
}
