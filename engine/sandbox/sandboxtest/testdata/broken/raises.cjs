console.log("before the fall");
throw new Error("cannot start");
