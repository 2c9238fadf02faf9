package main

// A tree of goroutines, ten children each, whose leaves (the count) send their number up and whose inner
// nodes the sum of their children's; in milliseconds. Also the process's peak memory, in MiB.
func init() {
	jobs["skynet"] = func(count int) {
		report("skynet", mean(3, count, tree)/1e6)
		report("skynet_peak", peak()/(1<<20))
	}
}

func tree(count int) {
	root := make(chan int)
	go skynet(root, 0, count)
	if sum := <-root; sum != (count-1)*count/2 {
		panic("skynet: wrong sum")
	}
}

func skynet(up chan<- int, number, size int) {
	if size == 1 {
		up <- number
		return
	}
	children := make(chan int)
	for i := 0; i < 10; i++ {
		go skynet(children, number+i*(size/10), size/10)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	up <- sum
}
