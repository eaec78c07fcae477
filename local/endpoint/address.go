package endpoint

import (
	"fmt"
	"net"
	"strconv"
)

// Address is where the processes of a run serve: the first at Port, the others
// behind it, or each at any free port if Port is zero.
type Address struct {
	Host string
	Port int
}

// loopback is the host of an address that names none.
const loopback = "127.0.0.1"

// AddressError says that an address cannot be used.
type AddressError struct {
	Address string
	Text    string // what is wrong, and what to do
}

// Error names the address and says what to do.
func (e *AddressError) Error() string {
	return fmt.Sprintf("endpoint: address %q: %s", e.Address, e.Text)
}

// ParseAddress reads HOST:PORT, :PORT or PORT. Without a host it is that of
// loopback: who wants others to read what is served has to name an address. The
// error is an *AddressError.
func ParseAddress(s string) (Address, error) {
	host, port := "", s
	if _, err := strconv.Atoi(s); err != nil {
		if host, port, err = net.SplitHostPort(s); err != nil {
			return Address{}, &AddressError{Address: s, Text: "use HOST:PORT, :PORT for this machine only, or :0 for any free ports"}
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Address{}, &AddressError{Address: s, Text: fmt.Sprintf("%q is no port: use 0 to 65535, 0 for any that is free", port)}
	}
	if host == "" {
		host = loopback
	}
	return Address{Host: host, Port: int(n)}, nil
}

// Of returns the address of the i-th process, counted from zero. The error is an *AddressError.
func (a Address) Of(i int) (string, error) {
	port := a.Port
	if port != 0 {
		port += i
	}
	address := net.JoinHostPort(a.Host, strconv.Itoa(port))
	if port > 1<<16-1 {
		return "", &AddressError{Address: address, Text: "the run has more processes than there are ports behind the first one: begin with a lower port, or use 0"}
	}
	return address, nil
}
