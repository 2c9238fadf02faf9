package main

// One goroutine sends, one receives, over a channel that holds 128 values.
func init() {
	timed("buffered", func(count int) {
		values := make(chan int, 128)
		go func() {
			for i := 0; i < count; i++ {
				values <- i
			}
			close(values)
		}()
		sum := 0
		for value := range values {
			sum += value
		}
		sink = sum
	})
}

// sink keeps results alive so that the compiler cannot drop the work.
var sink int
