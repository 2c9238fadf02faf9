module oakum/bench

go 1.22
