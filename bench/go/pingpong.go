package main

// Two goroutines hand a value to and fro over two unbuffered channels; an operation is one message.
func init() {
	timed("pingpong", func(count int) {
		ping, pong := make(chan int), make(chan int)
		go func() {
			for value := range ping {
				pong <- value + 1
			}
			close(pong)
		}()
		value := 0
		for i := 0; i < count/2; i++ {
			ping <- value
			value = <-pong
		}
		close(ping)
		<-pong
	})
}
