package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
)

// A hello server on a free port of the loopback, which it prints; it serves until it is killed.
func init() {
	jobs["http"] = func(int) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "hello\n")
		})
		fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
		panic(http.Serve(listener, nil))
	}
}
