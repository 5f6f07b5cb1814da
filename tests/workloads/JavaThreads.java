// SPDX-License-Identifier: GPL-2.0-only
//
// JavaThreads.java - one thread of a Java program, made in one way.
//
// JavaThreads FORM: named, unnamed or executor. Says {"settled":true} once the thread runs, and
// ends with its stdin.
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

public class JavaThreads {
	public static void main(String[] arguments) throws Exception {
		CountDownLatch up = new CountDownLatch(1), never = new CountDownLatch(1);
		Runnable work = () -> {
			up.countDown();
			try {
				never.await();
			} catch (InterruptedException e) {
				return;
			}
		};

		switch (arguments[0]) {
		case "named":
			new Thread(work, "order-intake").start();
			break;
		case "unnamed":
			new Thread(work).start();
			break;
		case "executor":
			Executors.newFixedThreadPool(1).submit(work);
			break;
		default:
			System.exit(64);
		}
		up.await();
		System.out.println("{\"settled\":true}");
		while (System.in.read() >= 0)
			;
		Runtime.getRuntime().halt(0);
	}
}
