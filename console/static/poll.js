// Ask again and again, one round after the other: a slow answer delays the next question instead of piling up.

export function repeat(action, everyMs) {
  const again = async () => {
    try {
      if (!document.hidden) await action();
    } catch (error) {
      console.warn("poll", error.message);
    }
    setTimeout(again, everyMs);
  };
  setTimeout(again, everyMs);
}
