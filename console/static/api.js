// Requests to the console's own address. An error carries the sentence that the server gave.

async function read(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    throw new Error(`${response.url} answered ${response.status} without JSON`);
  }
  if (response.status === 401 && location.pathname !== "/sign-in") {
    location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (!response.ok) throw new Error(body.error || body.message || body.status || `${response.url} answered ${response.status}`);
  return body;
}

// What the browser says itself ("Failed to fetch") helps nobody.
async function reach(path, wish) {
  try {
    return await fetch(path, wish);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the console does not answer; this page goes on asking");
  }
}

export async function get(path, signal) {
  return read(await reach(path, { signal, headers: { Accept: "application/json" } }));
}

// A change. It is always JSON: that is what no page of another site can send.
export async function change(method, path, doc) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  return read(await reach(path, { method, headers, body: doc === undefined ? undefined : JSON.stringify(doc) }));
}

// One statement; returns its series ([] where there is no data).
export async function query(statement, signal) {
  const body = new URLSearchParams({ q: statement });
  const answer = await read(await reach("/api/query", { method: "POST", body, signal }));
  const result = answer.results?.[0] ?? {};
  if (result.error) throw new Error(result.error);
  return result.series ?? [];
}
