/** Composition root of the edge host (under construction). */
export {}
