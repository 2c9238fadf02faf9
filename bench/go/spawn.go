package main

import "sync"

func init() {
	timed("spawn", func(count int) {
		const batch = 100
		var wg sync.WaitGroup
		for i := 0; i < count/batch; i++ {
			wg.Add(batch)
			for j := 0; j < batch; j++ {
				go wg.Done()
			}
			wg.Wait()
		}
	})
}
