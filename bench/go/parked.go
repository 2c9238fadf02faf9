package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bytes that each of count goroutines costs while all are parked in a receive: pages and page tables. Go has no
// compact mode, so what Oakum's is compared with is the same.
func init() {
	jobs["parked"] = park("parked")
	jobs["parked_compact"] = park("parked_compact")
}

func park(name string) func(count int) {
	return func(count int) {
		var started atomic.Int64
		var wg sync.WaitGroup
		gate := make(chan int)
		before := held()
		wg.Add(count)
		for i := 0; i < count; i++ {
			go func() {
				started.Add(1)
				<-gate
				wg.Done()
			}()
		}
		for started.Load() < int64(count) {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
		report(name, (held()-before)/float64(count))
		close(gate)
		wg.Wait()
	}
}
