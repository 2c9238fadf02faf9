package main

// Two senders, each with an unbuffered channel of its own; one receiver selects over both.
func init() {
	timed("select2", func(count int) {
		left, right := make(chan int), make(chan int)
		feed := func(values chan<- int) {
			for i := 0; i < count/2; i++ {
				values <- i
			}
		}
		go feed(left)
		go feed(right)
		sum := 0
		for i := 0; i < count/2*2; i++ {
			select {
			case value := <-left:
				sum += value
			case value := <-right:
				sum -= value
			}
		}
		sink = sum
	})
}
