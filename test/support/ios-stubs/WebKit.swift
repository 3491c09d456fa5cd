/// What docs/guides/ios.md uses of WebKit, with the signatures of Apple's documentation.
@_exported import UIKit
#if canImport(FoundationNetworking)
@_exported import FoundationNetworking
#endif

@MainActor public final class WKWebsiteDataStore: NSObject {
    public class func nonPersistent() -> WKWebsiteDataStore { WKWebsiteDataStore() }
}

@MainActor public final class WKWebViewConfiguration: NSObject {
    public var websiteDataStore = WKWebsiteDataStore()
}

@MainActor public final class WKNavigation: NSObject {}

@MainActor public final class WKWindowFeatures: NSObject {}

@MainActor public final class WKFrameInfo: NSObject {
    public var isMainFrame: Bool { true }
}

@MainActor public final class WKNavigationAction: NSObject {
    public var request: URLRequest { fatalError() }
    public var targetFrame: WKFrameInfo? { nil }
}

public enum WKNavigationActionPolicy: Int, Sendable { case cancel, allow, download }

@MainActor public final class WKWebView: UIView {
    public weak var navigationDelegate: (any WKNavigationDelegate)?
    public weak var uiDelegate: (any WKUIDelegate)?
    public init(frame: CGRect, configuration: WKWebViewConfiguration) {}
    @discardableResult public func load(_ request: URLRequest) -> WKNavigation? { nil }
}

@MainActor public protocol WKNavigationDelegate: NSObjectProtocol {
    func webView(_ webView: WKWebView, decidePolicyFor action: WKNavigationAction) async -> WKNavigationActionPolicy
}

@MainActor public protocol WKUIDelegate: NSObjectProtocol {
    func webView(
        _ webView: WKWebView, createWebViewWith configuration: WKWebViewConfiguration,
        for action: WKNavigationAction, windowFeatures: WKWindowFeatures
    ) -> WKWebView?
}
