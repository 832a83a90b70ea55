// grpc-gateway as its documentation sets it up. usage: grpc_gateway LISTEN UPSTREAM
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	shopv1 "parley.bench/peers/gen/shop/v1"
)

func main() {
	listen, upstream := os.Args[1], os.Args[2]
	mux := runtime.NewServeMux()
	plaintext := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	err := shopv1.RegisterUserServiceHandlerFromEndpoint(context.Background(), mux, upstream, plaintext)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(listen, mux))
}
