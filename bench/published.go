package bench

import "github.com/ardea-stream/ardea/profiles"

// publishedCosts is what was published in 2017 of the CPU time of Heron's
// stream manager before it was optimized, and the categories that come closest here.
var publishedCosts = []struct {
	name       string
	share      float64
	categories []profiles.Category
}{
	{"allocating and freeing messages", 0.17, []profiles.Category{profiles.Allocate, profiles.GC}},
	{"copying messages", 0.15, []profiles.Category{profiles.Copy}},
	{"eager decoding", 0.18, []profiles.Category{profiles.Decode}},
}

// publishedShares compares what was published with the profile of a naive stream manager.
func publishedShares(s profiles.Summary) []PublishedShare {
	list := make([]PublishedShare, 0, len(publishedCosts))
	for _, p := range publishedCosts {
		one := PublishedShare{Name: p.name, Published: p.share}
		for _, share := range s.Shares {
			for _, c := range p.categories {
				if share.Category == c {
					one.Ours += share.Share
				}
			}
		}
		list = append(list, one)
	}
	return list
}
