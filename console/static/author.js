// The name under which somebody changes things. It is kept in this browser; one that keeps nothing asks again.

const AUTHOR = "tocsin.author";

export function remembered() {
  try {
    return localStorage.getItem(AUTHOR) ?? "";
  } catch {
    return "";
  }
}

export function remember(name) {
  try {
    localStorage.setItem(AUTHOR, name);
  } catch (error) {
    console.info("the name is not kept", error.message);
  }
}
