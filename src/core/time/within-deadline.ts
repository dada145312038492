/** What the work resolves to; null when it is not done in time: it goes on, and the caller decides what becomes of its result. */
export async function withinDeadline<Result>(work: Promise<Result>, deadlineMs: number): Promise<Result | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
