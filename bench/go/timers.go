package main

import (
	"sync"
	"time"
)

// All goroutines (the count) sleep 10 ms at once; nanoseconds of the whole, a sleeper.
func init() {
	jobs["timers"] = func(count int) { report("timers", mean(5, count, sleepers)/float64(count)) }
}

func sleepers(count int) {
	var wg sync.WaitGroup
	wg.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			time.Sleep(10 * time.Millisecond)
			wg.Done()
		}()
	}
	wg.Wait()
}
