// grpc-gateway with the options that serve the suite best. usage: grpc_gateway LISTEN UPSTREAM
package main

import (
	"context"
	"log"
	"net/http"
	"net/textproto"
	"os"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	transcodingv1 "parley.bench/peers/gen/transcoding/v1"
)

func main() {
	listen, upstream := os.Args[1], os.Args[2]
	mux := runtime.NewServeMux(
		runtime.WithUnescapingMode(runtime.UnescapingModeAllExceptSlash),
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{
			Marshaler: &runtime.JSONPb{
				MarshalOptions:   protojson.MarshalOptions{EmitUnpopulated: false},
				UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
			},
		}),
		runtime.WithIncomingHeaderMatcher(incoming),
		runtime.WithOutgoingHeaderMatcher(outgoing),
		runtime.WithOutgoingTrailerMatcher(outgoing),
	)
	plaintext := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	type register func(context.Context, *runtime.ServeMux, string, []grpc.DialOption) error
	for _, service := range []register{
		transcodingv1.RegisterPathsHandlerFromEndpoint,
		transcodingv1.RegisterBodiesHandlerFromEndpoint,
		transcodingv1.RegisterPatchesHandlerFromEndpoint,
		transcodingv1.RegisterAnswersHandlerFromEndpoint,
		transcodingv1.RegisterStreamsHandlerFromEndpoint,
	} {
		if err := service(context.Background(), mux, upstream, plaintext); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(http.ListenAndServe(listen, mux))
}

func incoming(name string) (string, bool) {
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "x-") || lower == "authorization" || lower == "traceparent" {
		return lower, true
	}
	return runtime.DefaultHeaderMatcher(textproto.CanonicalMIMEHeaderKey(name))
}

func outgoing(name string) (string, bool) {
	return name, strings.HasPrefix(name, "x-") || name == "etag" || name == "www-authenticate"
}
