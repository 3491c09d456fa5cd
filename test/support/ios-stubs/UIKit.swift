/// What docs/guides/ios.md uses of UIKit, with the signatures of Apple's documentation.
@_exported import Foundation

@MainActor open class UIResponder: NSObject {}

@MainActor open class UIView: UIResponder {}

@MainActor open class UIWindow: UIView {}

@MainActor open class UIViewController: UIResponder {
    open var view: UIView! = nil
    open func loadView() {}
}

@MainActor public final class UIApplication: UIResponder {
    public static let shared = UIApplication()
    public struct OpenExternalURLOptionsKey: Hashable, Sendable {}
    public func open(
        _ url: URL, options: [OpenExternalURLOptionsKey: Any] = [:], completionHandler: ((Bool) -> Void)? = nil
    ) {}
    @discardableResult public func open(_ url: URL, options: [OpenExternalURLOptionsKey: Any] = [:]) async -> Bool { true }
}

@MainActor open class UIScene: UIResponder {
    @MainActor public final class ConnectionOptions: NSObject {
        public var urlContexts: Set<UIOpenURLContext> { [] }
    }
}

@MainActor public final class UISceneSession: NSObject {}

@MainActor public final class UIOpenURLContext: NSObject {
    public let url: URL
    init(url: URL) { self.url = url }
}

@MainActor public protocol UIWindowSceneDelegate: NSObjectProtocol {
    func scene(_ scene: UIScene, willConnectTo session: UISceneSession, options: UIScene.ConnectionOptions)
    func scene(_ scene: UIScene, openURLContexts contexts: Set<UIOpenURLContext>)
}

extension UIWindowSceneDelegate {
    public func scene(_ scene: UIScene, willConnectTo session: UISceneSession, options: UIScene.ConnectionOptions) {}
    public func scene(_ scene: UIScene, openURLContexts contexts: Set<UIOpenURLContext>) {}
}
