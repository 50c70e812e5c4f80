// Where the page finds its console. The token stands in the address, or, as pages of noVNC have it,
// in its parameter "path".
export function address() {
  const given = new URLSearchParams(location.search);
  const inside = new URLSearchParams((given.get("path") || "").replace(/^[^?]*\?/, ""));
  const token = given.get("token") || inside.get("token") || "";
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/console?token=${encodeURIComponent(token)}`;
}
