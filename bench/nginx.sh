#!/bin/bash
# Serves by nginx what the http job serves, for http.sh: prints "port N", then serves until it is killed.
#
# usage: nginx.sh WORKERS FOLDER      FOLDER: for its configuration, made anew
set -eu
dir=$2
port=$((20000 + $$ % 20000))
rm -rf "$dir"
mkdir -p "$dir"
cat >"$dir/conf" <<END
daemon off;
worker_processes $1;
pid $dir/pid;
error_log $dir/log;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path $dir/body;
    server {
        listen 127.0.0.1:$port;
        location / {
            default_type text/plain;
            return 200 "hello\n";
        }
    }
}
END
open() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
(until open; do sleep 0.05; done; echo "port $port") &
exec nginx -p "$dir" -c "$dir/conf" -e "$dir/log"
