package main

// A hundred senders, one receiver, one unbuffered channel.
func init() {
	timed("fanin", func(count int) {
		const senders = 100
		values := make(chan int)
		each := count / senders
		for i := 0; i < senders; i++ {
			go func() {
				for j := 0; j < each; j++ {
					values <- j
				}
			}()
		}
		sum := 0
		for i := 0; i < each*senders; i++ {
			sum += <-values
		}
		sink = sum
	})
}
