package profiles_test

import (
	"fmt"

	"github.com/ardea-stream/ardea/profiles"
)

// What would the next nanoseconds buy in a stream manager of the naive mode?
func Example() {
	p, err := profiles.ReadFile("testdata/naive-stream-managers.pb.gz")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := profiles.Summarize("naive", "stream managers", nil, []*profiles.Profile{p}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, hint := range profiles.Explain(s)[:4] {
		fmt.Printf("%4.1f %%  %s\n", 100*hint.Share, hint.Category)
	}
	// Output:
	// 23.3 %  allocate
	// 23.1 %  copy
	// 22.6 %  decode
	// 20.4 %  encode
}
