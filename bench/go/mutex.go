package main

import "sync"

// Eight goroutines take one lock in turn to count.
func init() {
	timed("mutex", func(count int) {
		const contenders = 8
		var mu sync.Mutex
		var wg sync.WaitGroup
		total := 0
		for i := 0; i < contenders; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for j := 0; j < count/contenders; j++ {
					mu.Lock()
					total++
					mu.Unlock()
				}
			}()
		}
		wg.Wait()
		if total != count/contenders*contenders {
			panic("mutex: lost counts")
		}
	})
}
