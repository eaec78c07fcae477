// Package netfault is a network that fails: a TCP proxy between two stream
// managers that resets, cuts, swallows, delays or dribbles what it forwards.
//
// A Proxy stands for the address of one container: others dial the proxy, which
// dials the container. It reads frame headers, so that it can break a connection
// at a frame's end or anywhere inside. Faults hit the connections that there are;
// those that follow work again, but for Point, which breaks each once.
//
// Bytes of a TCP connection cannot be reordered or lost one by one, so neither can the proxy.
package netfault
